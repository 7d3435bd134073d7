"""Tasks that leanrl makes itself: seeded problems with answers that are known, in levels of difficulty."""
