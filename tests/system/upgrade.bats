#!/usr/bin/env bats
# What takes its time in an upgrade.

load ../lib
load ../upgrade

@test "a new binary that hangs is ended after a minute, and the old one goes on" {
    own_program
    backend_start tcp echo
    daemon_start
    replace <<<$'#!/bin/sh\nexec sleep 300'
    kill -USR2 "$DAEMON"
    wait_for 5 log_has 'starts as pid'
    wait_for 75 log_has 'upgrade failed, this one goes on: it was not ready in time' || fail "no line after 75 s"
    daemon_alive
    client text:one end drain
    result_is text one
    replace_back
    upgrade
    client text:two end drain
    result_is text two
}
