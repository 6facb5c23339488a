complete -c serel-wrap -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serel-wrap -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serel-wrap -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serel-wrap -l socket -d 'Where to speak to: a path, or @NAME for an abstract name [default: `$SEREL_RUN` in a script of serelrc; else `$SEREL_SOCKET`, else @serel]' -r
complete -c serel-wrap -l db -d 'The history, for a script that the daemon does not know' -r -F
complete -c serel-wrap -s a -l log-append -d 'Append to the log file (default)'
complete -c serel-wrap -s t -l log-truncate -d 'Empty the log file first'
complete -c serel-wrap -s v -l version -d 'Print the version number and exit'
complete -c serel-wrap -s h -l help -d 'Print help'
