# SPDX-License-Identifier: Apache-2.0
"""Pictures of images: one frame of one object, decoded in a guarded process, windowed and made
small."""
