mortise_fuzz_target(scram LINK mortise_base yaml-cpp mbedcrypto)
target_sources(fuzz_scram PRIVATE $<TARGET_OBJECTS:plugin_auth-file>)
target_include_directories(fuzz_scram PRIVATE ${CMAKE_SOURCE_DIR}/plugin-sdk/include)
