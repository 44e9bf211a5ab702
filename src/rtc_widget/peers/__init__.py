"""The parts of `PeerConnection`: operations, events and objects of a peer connection in a page. Internal."""
