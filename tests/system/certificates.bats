#!/usr/bin/env bats
# Certificates in numbers.

load ../lib
load ../swap

@test "1,000 certificates are replaced at once, a hundred times: in service within 2 s, and memory is flat" {
    swaps 1000 100
}
