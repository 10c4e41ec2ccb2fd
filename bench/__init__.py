# SPDX-License-Identifier: Apache-2.0
"""What Anteroom costs, measured: `python -m bench list`. Nothing here is part of the product, and
no test looks at a clock."""
