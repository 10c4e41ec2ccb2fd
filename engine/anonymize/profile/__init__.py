"""The Basic Application Level Confidentiality Profile (DICOM PS3.15, Annex E) as scripts."""
