complete -c sereld -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c sereld -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c sereld -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c sereld -l socket -d 'Where to listen: a path, or @NAME for an abstract name [default: `$SEREL_SOCKET`, else @serel]' -r
complete -c sereld -s a -l log-append -d 'Append to the log file (default)'
complete -c sereld -s t -l log-truncate -d 'Empty the log file first'
complete -c sereld -s v -l version -d 'Print the version number and exit'
complete -c sereld -l foreground -d 'Stay in the foreground'
complete -c sereld -s h -l help -d 'Print help'
