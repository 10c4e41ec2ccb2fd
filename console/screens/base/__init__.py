# SPDX-License-Identifier: Apache-2.0
"""What screens are made of: the frame that all of them have, lists, sessions, and the questions on
leaving."""
