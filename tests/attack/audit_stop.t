#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds and runs the attacks of audit_stop.c; needs root.
exec "$(dirname "$0")/build-and-run" audit_stop
