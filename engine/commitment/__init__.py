# SPDX-License-Identifier: Apache-2.0
"""Storage commitment (PS3.4 annex J): what is promised to a sender, and in which words. Requests
come from the receiver's workers, reports leave by them or by `engine.remotes`."""
