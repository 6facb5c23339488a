complete -c lsb2rdf -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c lsb2rdf -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c lsb2rdf -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c lsb2rdf -s a -l log-append -d 'Append to the log file (default)'
complete -c lsb2rdf -s t -l log-truncate -d 'Empty the log file first'
complete -c lsb2rdf -s v -l version -d 'Print the version number and exit'
complete -c lsb2rdf -s h -l help -d 'Print help'
