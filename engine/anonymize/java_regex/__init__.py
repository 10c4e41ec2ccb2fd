# SPDX-License-Identifier: Apache-2.0
"""Regular expressions as Java reads them."""
