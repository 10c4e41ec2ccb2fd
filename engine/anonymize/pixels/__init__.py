# SPDX-License-Identifier: Apache-2.0
"""Pixels: blanking rectangles and overlay bits, of any transfer syntax that can be decoded."""
