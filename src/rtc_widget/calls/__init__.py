"""The parts that `VoiceChat` is composed of. Internal."""
