# SPDX-License-Identifier: Apache-2.0
"""The DICOM upper layer and DIMSE, the acceptor's side (PS3.7, PS3.8)."""
