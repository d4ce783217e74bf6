set(jwt_sources ${CMAKE_SOURCE_DIR}/plugins/auth-jwt)
mortise_fuzz_target(jwt LINK mortise_base mbedcrypto)
target_sources(fuzz_jwt PRIVATE ${jwt_sources}/claims.cc ${jwt_sources}/jwks.cc ${jwt_sources}/keys.cc
               ${jwt_sources}/token.cc)
target_include_directories(fuzz_jwt PRIVATE ${CMAKE_SOURCE_DIR}/plugin-sdk/include)
