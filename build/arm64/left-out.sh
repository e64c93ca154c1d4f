# What build/test-arm64.sh leaves out, and why, for build/arm64/inside.sh to source. CONTRIBUTING.md ("arm64") has the same rows.

# PROJECT:CLASS-OR-METHOD:why
left_out_rows=(
  "KestrelGreenTransport.Supervisor.Tests:ListenQueueTests:the emulator opens no netlink socket for sock_diag, so the clients in a queue are not counted"
  "KestrelGreenTransport.Supervisor.Tests:A_port_that_any_user_may_bind_is_bound_and_belongs_to_that_user:it counts the clients in a queue, too"
  "KestrelGreenTransport.Supervisor.Tests:The_port_of_a_process_is_the_one_that_its_own_runtime_opens:in /proc/self/stat the emulator shows when the reading thread began, not the process"
  "KestrelGreenTransport.Supervisor.Tests:A_missing_program_is_an_error_of_the_call_itself:the emulator's vfork is a fork, so posix_spawn does not learn that execve failed"
  "KestrelGreenTransport.Supervisor.Tests:A_child_begins_with_every_signal_at_its_default_and_none_blocked:the two signals of the C library have other numbers outside of the emulator"
  "KestrelGreenTransport.Supervisor.Tests:Variables_of_the_loader_do_nothing_while_a_child_is_still_root:the emulator is started by a loader of its own, which obeys LD_PRELOAD"
  "KestrelGreenTransport.Supervisor.Tests:RandomStoryTests:it takes minutes, for decisions that are the same on each processor"
)

# The options with which a project's test program leaves these out.
leaving_out() {
  local row pattern
  for row in "${left_out_rows[@]}"; do
    [ "${row%%:*}" = "$1" ] || continue
    pattern=$(cut -d: -f2 <<<"$row")
    if [[ $pattern == *Tests ]]; then printf '%s\n' -class- "*.$pattern"; else printf '%s\n' -method- "*.$pattern"; fi
  done
}

left_out() {
  local row
  step "left out, and why"
  for row in "${left_out_rows[@]}"; do
    printf '%s\n    %s\n' "$(cut -d: -f2 <<<"$row")" "$(cut -d: -f3- <<<"$row")"
  done
  cat <<'TEXT'
the order of writes between processors
    it is that of x64 here: a barrier that only arm64 would miss is not missed
the functional tests
    they start what dotnet build made, under the installed dotnet, and their limits are for a processor that is not emulated
TEXT
}
