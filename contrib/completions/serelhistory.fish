complete -c serelhistory -s d -l debuglevel -d 'What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything' -r
complete -c serelhistory -s l -l log -d 'Log to a file, or to a facility of syslog, instead of standard error' -r -F
complete -c serelhistory -l color -d 'When to use colour; auto: on a terminal, unless the environment refuses it' -r -f -a "auto\t''
always\t''
never\t''"
complete -c serelhistory -l query -d 'Ask about the last --populate' -r -f -a "verify\t'Does every need have a definition, and is there no circle?'
prior-history\t'Was the history used?'"
complete -c serelhistory -l apply -d 'Tell the daemon what belongs to the script PATH of the last --populate, and wait for what it needs' -r
complete -c serelhistory -l required-start -d 'What Required-Start means: the needed one must succeed, or must only have ended' -r -f -a "need\t'The needed service must have started successfully, else the needer is skipped'
order\t'The needed service must have ended its start, however'"
complete -c serelhistory -l root -d 'Read everything under this directory' -r -F
complete -c serelhistory -l db -d 'The history [default: /etc/serel/history.db, under the root]' -r -F
complete -c serelhistory -l socket -d 'Where to speak to: a path, or @NAME for an abstract name [default: `$SEREL_RUN` in a script of serelrc; else `$SEREL_SOCKET`, else @serel]' -r
complete -c serelhistory -s a -l log-append -d 'Append to the log file (default)'
complete -c serelhistory -s t -l log-truncate -d 'Empty the log file first'
complete -c serelhistory -s v -l version -d 'Print the version number and exit'
complete -c serelhistory -l populate -d 'Read the unit from standard input: [--started SERVICE...] --pairs SERVICE PATH ...'
complete -c serelhistory -l apply-started -d 'Tell the daemon that the --started services of the last --populate are available'
complete -c serelhistory -l stopping -d 'The unit is being stopped: relations run backwards (K??name paths say so, too)'
complete -c serelhistory -s h -l help -d 'Print help (see more with \'--help\')'
