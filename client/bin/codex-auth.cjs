#!/usr/bin/env node
// npm links a program only if its file is there at install time, which the build's output is not in a fresh clone.
require("../dist/cli/codex-auth.cjs");
