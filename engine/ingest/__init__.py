# SPDX-License-Identifier: Apache-2.0
"""The engine's side of the intake contract: claims become rows, journals become index, tallies and
ledger, and objects in staging go through the contract once more. The worker's side is
`engine.intake`, which opens no database."""
