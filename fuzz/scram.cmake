mortise_fuzz_target(scram LINK mortise_base mbedcrypto)
target_sources(fuzz_scram PRIVATE ${CMAKE_SOURCE_DIR}/plugins/auth-file/scram.cc)
target_include_directories(fuzz_scram PRIVATE ${CMAKE_SOURCE_DIR}/plugin-sdk/include)
