# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_serelrc_global_optspecs
    string join \n d/debuglevel= l/log= a/log-append t/log-truncate color= v/version root= db= json h/help
end

function __fish_serelrc_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_serelrc_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_serelrc_using_subcommand
    set -l cmd (__fish_serelrc_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c serelrc -n "__fish_serelrc_needs_command" -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelrc -n "__fish_serelrc_needs_command" -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelrc -n "__fish_serelrc_needs_command" -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelrc -n "__fish_serelrc_needs_command" -l root -d 'Read and run everything under this directory' -r -F
complete -c serelrc -n "__fish_serelrc_needs_command" -l db -d 'The history [default: /etc/serel/history.db, under the root]' -r -F
complete -c serelrc -n "__fish_serelrc_needs_command" -s a -l log-append -d 'Append to the log file (default)'
complete -c serelrc -n "__fish_serelrc_needs_command" -s t -l log-truncate -d 'Empty the log file first'
complete -c serelrc -n "__fish_serelrc_needs_command" -s v -l version -d 'Print the version number and exit'
complete -c serelrc -n "__fish_serelrc_needs_command" -l json -d 'Print data as JSON'
complete -c serelrc -n "__fish_serelrc_needs_command" -s h -l help -d 'Print help'
complete -c serelrc -n "__fish_serelrc_needs_command" -f -a "start" -d 'Start the services of a runlevel'
complete -c serelrc -n "__fish_serelrc_needs_command" -f -a "stop" -d 'Stop the services that a runlevel does not have'
complete -c serelrc -n "__fish_serelrc_needs_command" -f -a "change" -d 'Go from one runlevel to another: stop and start only the difference'
complete -c serelrc -n "__fish_serelrc_needs_command" -f -a "graph" -d 'Print the services and who waits for whom'
complete -c serelrc -n "__fish_serelrc_needs_command" -f -a "plan" -d 'Print what would be run, after what, and how long it would take'
complete -c serelrc -n "__fish_serelrc_needs_command" -f -a "verify" -d 'Check that the definitions fit together'
complete -c serelrc -n "__fish_serelrc_needs_command" -f -a "explain" -d 'Say why history would be used, or why not'
complete -c serelrc -n "__fish_serelrc_needs_command" -f -a "rc" -d 'For the hook in an rc: run a level if SEREL_RUNLEVELS names it (0), or leave it to rc (1)'
complete -c serelrc -n "__fish_serelrc_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l root -d 'Read and run everything under this directory' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l db -d 'The history [default: /etc/serel/history.db, under the root]' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l previous -d 'The runlevel that the system comes from' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l jobs -d 'Most scripts at one time: a number, auto or unlimited' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l timeout -d 'Seconds that a script may take before it is ended; 0 for no limit; one that asks questions has all the time it wants [default: 300; in level S, where disks are checked, no limit]' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l required-start -d 'What Required-Start means: the needed one must succeed, or must only have ended' -r -f -a "need\t'The needed service must have started successfully, else the needer is skipped'
order\t'The needed service must have ended its start, however'"
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l pairs -d 'Services and paths from a file (- for standard input) instead of a runlevel' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -s a -l log-append -d 'Append to the log file (default)'
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -s t -l log-truncate -d 'Empty the log file first'
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -s v -l version -d 'Print the version number and exit'
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l json -d 'Print data as JSON'
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l serial -d 'One script at a time, in the given order as far as the relations allow'
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l resume -d 'Go on with a run of this boot that was interrupted: what succeeded is not started again'
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -l dry-run -d 'Say what would be run, and run nothing'
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -s q -l quiet -d 'Leave out the output of scripts that went well'
complete -c serelrc -n "__fish_serelrc_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l root -d 'Read and run everything under this directory' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l db -d 'The history [default: /etc/serel/history.db, under the root]' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l previous -d 'The runlevel that the system comes from' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l jobs -d 'Most scripts at one time: a number, auto or unlimited' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l timeout -d 'Seconds that a script may take before it is ended; 0 for no limit; one that asks questions has all the time it wants [default: 300; in level S, where disks are checked, no limit]' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l required-start -d 'What Required-Start means: the needed one must succeed, or must only have ended' -r -f -a "need\t'The needed service must have started successfully, else the needer is skipped'
order\t'The needed service must have ended its start, however'"
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l pairs -d 'Services and paths from a file (- for standard input) instead of a runlevel' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -s a -l log-append -d 'Append to the log file (default)'
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -s t -l log-truncate -d 'Empty the log file first'
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -s v -l version -d 'Print the version number and exit'
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l json -d 'Print data as JSON'
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l serial -d 'One script at a time, in the given order as far as the relations allow'
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l resume -d 'Go on with a run of this boot that was interrupted: what succeeded is not started again'
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -l dry-run -d 'Say what would be run, and run nothing'
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -s q -l quiet -d 'Leave out the output of scripts that went well'
complete -c serelrc -n "__fish_serelrc_using_subcommand stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l root -d 'Read and run everything under this directory' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l db -d 'The history [default: /etc/serel/history.db, under the root]' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l previous -d 'The runlevel that the system comes from' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l jobs -d 'Most scripts at one time: a number, auto or unlimited' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l timeout -d 'Seconds that a script may take before it is ended; 0 for no limit; one that asks questions has all the time it wants [default: 300; in level S, where disks are checked, no limit]' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l required-start -d 'What Required-Start means: the needed one must succeed, or must only have ended' -r -f -a "need\t'The needed service must have started successfully, else the needer is skipped'
order\t'The needed service must have ended its start, however'"
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l pairs -d 'Services and paths from a file (- for standard input) instead of a runlevel' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -s a -l log-append -d 'Append to the log file (default)'
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -s t -l log-truncate -d 'Empty the log file first'
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -s v -l version -d 'Print the version number and exit'
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l json -d 'Print data as JSON'
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l serial -d 'One script at a time, in the given order as far as the relations allow'
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l resume -d 'Go on with a run of this boot that was interrupted: what succeeded is not started again'
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -l dry-run -d 'Say what would be run, and run nothing'
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -s q -l quiet -d 'Leave out the output of scripts that went well'
complete -c serelrc -n "__fish_serelrc_using_subcommand change" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -l root -d 'Read and run everything under this directory' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -l db -d 'The history [default: /etc/serel/history.db, under the root]' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -l required-start -d 'What Required-Start means: the needed one must succeed, or must only have ended' -r -f -a "need\t'The needed service must have started successfully, else the needer is skipped'
order\t'The needed service must have ended its start, however'"
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -l pairs -d 'Services and paths from a file (- for standard input) instead of a runlevel' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -s a -l log-append -d 'Append to the log file (default)'
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -s t -l log-truncate -d 'Empty the log file first'
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -s v -l version -d 'Print the version number and exit'
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -l json -d 'Print data as JSON'
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -l stop -d 'Look at stopping instead of starting'
complete -c serelrc -n "__fish_serelrc_using_subcommand graph" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -l root -d 'Read and run everything under this directory' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -l db -d 'The history [default: /etc/serel/history.db, under the root]' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -l required-start -d 'What Required-Start means: the needed one must succeed, or must only have ended' -r -f -a "need\t'The needed service must have started successfully, else the needer is skipped'
order\t'The needed service must have ended its start, however'"
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -l pairs -d 'Services and paths from a file (- for standard input) instead of a runlevel' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -s a -l log-append -d 'Append to the log file (default)'
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -s t -l log-truncate -d 'Empty the log file first'
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -s v -l version -d 'Print the version number and exit'
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -l json -d 'Print data as JSON'
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -l stop -d 'Look at stopping instead of starting'
complete -c serelrc -n "__fish_serelrc_using_subcommand plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -l root -d 'Read and run everything under this directory' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -l db -d 'The history [default: /etc/serel/history.db, under the root]' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -l required-start -d 'What Required-Start means: the needed one must succeed, or must only have ended' -r -f -a "need\t'The needed service must have started successfully, else the needer is skipped'
order\t'The needed service must have ended its start, however'"
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -l pairs -d 'Services and paths from a file (- for standard input) instead of a runlevel' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -s a -l log-append -d 'Append to the log file (default)'
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -s t -l log-truncate -d 'Empty the log file first'
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -s v -l version -d 'Print the version number and exit'
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -l json -d 'Print data as JSON'
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -l stop -d 'Look at stopping instead of starting'
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -l system -d 'Look at the whole system: what the next boot would do, what is missing, and how long it would take'
complete -c serelrc -n "__fish_serelrc_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -l root -d 'Read and run everything under this directory' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -l db -d 'The history [default: /etc/serel/history.db, under the root]' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -l required-start -d 'What Required-Start means: the needed one must succeed, or must only have ended' -r -f -a "need\t'The needed service must have started successfully, else the needer is skipped'
order\t'The needed service must have ended its start, however'"
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -l pairs -d 'Services and paths from a file (- for standard input) instead of a runlevel' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -s a -l log-append -d 'Append to the log file (default)'
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -s t -l log-truncate -d 'Empty the log file first'
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -s v -l version -d 'Print the version number and exit'
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -l json -d 'Print data as JSON'
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -l stop -d 'Look at stopping instead of starting'
complete -c serelrc -n "__fish_serelrc_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c serelrc -n "__fish_serelrc_using_subcommand rc" -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelrc -n "__fish_serelrc_using_subcommand rc" -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand rc" -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelrc -n "__fish_serelrc_using_subcommand rc" -l root -d 'Read and run everything under this directory' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand rc" -l db -d 'The history [default: /etc/serel/history.db, under the root]' -r -F
complete -c serelrc -n "__fish_serelrc_using_subcommand rc" -s a -l log-append -d 'Append to the log file (default)'
complete -c serelrc -n "__fish_serelrc_using_subcommand rc" -s t -l log-truncate -d 'Empty the log file first'
complete -c serelrc -n "__fish_serelrc_using_subcommand rc" -s v -l version -d 'Print the version number and exit'
complete -c serelrc -n "__fish_serelrc_using_subcommand rc" -l json -d 'Print data as JSON'
complete -c serelrc -n "__fish_serelrc_using_subcommand rc" -s h -l help -d 'Print help'
complete -c serelrc -n "__fish_serelrc_using_subcommand help; and not __fish_seen_subcommand_from start stop change graph plan verify explain rc help" -f -a "start" -d 'Start the services of a runlevel'
complete -c serelrc -n "__fish_serelrc_using_subcommand help; and not __fish_seen_subcommand_from start stop change graph plan verify explain rc help" -f -a "stop" -d 'Stop the services that a runlevel does not have'
complete -c serelrc -n "__fish_serelrc_using_subcommand help; and not __fish_seen_subcommand_from start stop change graph plan verify explain rc help" -f -a "change" -d 'Go from one runlevel to another: stop and start only the difference'
complete -c serelrc -n "__fish_serelrc_using_subcommand help; and not __fish_seen_subcommand_from start stop change graph plan verify explain rc help" -f -a "graph" -d 'Print the services and who waits for whom'
complete -c serelrc -n "__fish_serelrc_using_subcommand help; and not __fish_seen_subcommand_from start stop change graph plan verify explain rc help" -f -a "plan" -d 'Print what would be run, after what, and how long it would take'
complete -c serelrc -n "__fish_serelrc_using_subcommand help; and not __fish_seen_subcommand_from start stop change graph plan verify explain rc help" -f -a "verify" -d 'Check that the definitions fit together'
complete -c serelrc -n "__fish_serelrc_using_subcommand help; and not __fish_seen_subcommand_from start stop change graph plan verify explain rc help" -f -a "explain" -d 'Say why history would be used, or why not'
complete -c serelrc -n "__fish_serelrc_using_subcommand help; and not __fish_seen_subcommand_from start stop change graph plan verify explain rc help" -f -a "rc" -d 'For the hook in an rc: run a level if SEREL_RUNLEVELS names it (0), or leave it to rc (1)'
complete -c serelrc -n "__fish_serelrc_using_subcommand help; and not __fish_seen_subcommand_from start stop change graph plan verify explain rc help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
