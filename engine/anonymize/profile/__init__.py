# SPDX-License-Identifier: Apache-2.0
"""The Basic Application Level Confidentiality Profile (DICOM PS3.15, Annex E) as scripts."""
