# SPDX-License-Identifier: Apache-2.0
#
# Linker options of every program that links the virtual board: what board code allocates comes from
# the board's RAM, and what it aborts with is a panic. Sanitizer builds take the same options: the
# board then counts and limits, and the sanitizer's allocator serves. Mutexes are counted per thread.
set(KRAKEN_HOST_WRAPPED
    malloc calloc realloc reallocarray free aligned_alloc memalign posix_memalign
    strdup strndup asprintf vasprintf
    abort __assert_fail
    pthread_mutex_lock pthread_mutex_trylock pthread_mutex_unlock)
set(KRAKEN_HOST_LINK_OPTIONS "")
foreach(symbol IN LISTS KRAKEN_HOST_WRAPPED)
  list(APPEND KRAKEN_HOST_LINK_OPTIONS "LINKER:--wrap=${symbol}")
endforeach()
# Names in the backtraces of panics.
list(APPEND KRAKEN_HOST_LINK_OPTIONS "-rdynamic")
target_link_options(kraken_host INTERFACE ${KRAKEN_HOST_LINK_OPTIONS})
