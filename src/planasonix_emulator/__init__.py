"""An emulator of the Planasonix API on loopback, written from the vendor's public documentation."""
