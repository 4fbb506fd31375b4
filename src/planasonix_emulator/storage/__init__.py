"""What the emulator stores: objects, documents, encrypted secrets."""
