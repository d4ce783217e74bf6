mortise_fuzz_target(websocket LINK mortise_net)
