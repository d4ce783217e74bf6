mortise_fuzz_target(proxy LINK mortise_net)
