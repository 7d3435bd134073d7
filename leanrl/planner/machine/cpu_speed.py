"""A CPU as the closed form needs one: what a measured run corrects. No time is predicted from it alone."""

from leanrl.planner.machine.cards import Card

# Two cores of a server: half of this rate is about what bf16 products of a 135M model reach there, and a layer of
# `model.generate` takes 1 to 2 ms. What counts is the proportion of products to reads: a run corrects the rest.
NOMINAL_CPU = Card("cpu", "a CPU", 0, bandwidth_bytes_per_second=20e9, bf16_flops=120e9)
