complete -c serelc -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelc -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelc -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelc -l provide -d 'The parent process (the script) is starting SERVICE, which is available when it exits with status 0, as serelrc and serel-wrap see it or --statuschange says' -r
complete -c serelc -l unprovide -d 'The parent process is stopping SERVICE' -r
complete -c serelc -l need -d 'Wait until SERVICE is available' -r
complete -c serelc -l timeout -d 'With --need: wait no longer than this' -r
complete -c serelc -l statuschange -d 'The process PID has exited with STATUS' -r
complete -c serelc -l control -d 'Control the daemon' -r -f -a "stop\t'End the daemon'"
complete -c serelc -l query -d 'Ask: services, service NAME, waiting, or graph' -r
complete -c serelc -l socket -d 'Where to speak to: a path, or @NAME for an abstract name [default: `$SEREL_RUN` in a script of serelrc; else `$SEREL_SOCKET`, else @serel]' -r
complete -c serelc -s a -l log-append -d 'Append to the log file (default)'
complete -c serelc -s t -l log-truncate -d 'Empty the log file first'
complete -c serelc -s v -l version -d 'Print the version number and exit'
complete -c serelc -l immediate -d 'With --provide: available now, before the script exits'
complete -c serelc -l json -d 'Answer as JSON'
complete -c serelc -s h -l help -d 'Print help (see more with \'--help\')'
