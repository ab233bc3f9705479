# SPDX-License-Identifier: Apache-2.0
#
# Defects of an earlier system of this kind, one file each: d = broken features, t = threads and lifetime, s = statistics and
# cost, x = what the document said and the code did not.
set(system_up "${KRAKEN_ROOT}/tests/support/system_up.c")

foreach(name
        d01_events_per_second_is_a_lifetime_total
        d02_no_quota_set_means_unlimited
        d13_common_event_constants_are_not_the_ids_delivered
        d14_second_handler_of_a_service_is_dropped
        t03_stop_forgets_the_dispatcher
        t04_post_from_a_handler_blocks_the_only_consumer
        t09_the_next_owner_inherits
        t10_start_order_writes_past_the_array
        t11_lengths_of_names_and_payloads_are_believed
        s01_posted_is_counted_before_the_send
        s02_info_has_fields_that_nobody_writes
        s03_heap_fallback_counts_as_failure
        s04_psram_hides_that_internal_ram_is_used_up
        s05_pool_memory_may_be_psram
        s07_locks_are_held_while_foreign_code_runs
        x01_documented_pools_can_serve_no_event
        x02_subscriptions_per_service_are_global)
    kraken_unit_test(${name} SRCS ${name}.c "${system_up}" LINK system esp_timer)
endforeach()

# These hold a lock of the core's, to be what is in the way.
foreach(name t02_dispatcher_gives_a_lock_it_does_not_hold s06_every_post_walks_all_tables)
    kraken_unit_test(${name} SRCS ${name}.c "${system_up}" LINK system esp_timer PRIVATE_OF system)
endforeach()

# These let minutes pass, or measure on the virtual clock.
foreach(name d07_heartbeats_vouch_for_nothing d10_modules_that_nobody_calls d12_the_bus_polls_and_low_starves)
    kraken_unit_test(${name} SRCS ${name}.c "${system_up}" LINK system esp_timer MODES sim)
endforeach()

foreach(name
        d02_quota_check_and_count_are_two_steps
        t01_unsubscribe_does_not_wait_for_the_handler
        t05_mutexes_are_made_at_first_use
        t08_pool_believes_any_pointer
        t12_start_after_stop_makes_tasks_twice)
    kraken_scenario(${name} SRCS ${name}.c "${system_up}" LINK system esp_timer)
endforeach()
