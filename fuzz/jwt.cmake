mortise_fuzz_target(jwt LINK mortise_base mbedcrypto)
target_sources(fuzz_jwt PRIVATE $<TARGET_OBJECTS:plugin_auth-jwt>)
target_include_directories(fuzz_jwt PRIVATE ${CMAKE_SOURCE_DIR}/plugin-sdk/include)
