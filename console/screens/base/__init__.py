# SPDX-License-Identifier: Apache-2.0
"""What screens are made of: the frame that all of them have, lists, sessions, questions at the
end."""
