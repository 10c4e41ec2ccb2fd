# SPDX-License-Identifier: Apache-2.0
"""Files: what it takes for them to be where they should be, and to stay there."""
