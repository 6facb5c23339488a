# Completion of systemtap-service for fish: commands, options, and the names of scripts as the configuration has them.

function __systemtap_service_scripts
    systemtap-service status --json 2>/dev/null | string match -rg '^ *"name": "([A-Za-z0-9_]*)"'
end

set -l commands start stop restart reload force-reload condrestart try-restart status compile cleanup onboot
complete -c systemtap-service -f
complete -c systemtap-service -n "not __fish_seen_subcommand_from $commands" -a "$commands"
complete -c systemtap-service -n "__fish_seen_subcommand_from $commands" -a "(__systemtap_service_scripts)"
complete -c systemtap-service -s c -r -F -d "configuration"
complete -c systemtap-service -s r -x -a "(ls /lib/modules 2>/dev/null)" -d "release of the kernel"
complete -c systemtap-service -s R -d "take in requirements"
complete -c systemtap-service -s y -d "answer yes"
complete -c systemtap-service -s o -r -F -d "onboot: image"
complete -c systemtap-service -s b -d "onboot: keep the old image"
complete -c systemtap-service -l no-wait -d "fail when another command is at work"
complete -c systemtap-service -l json -d "status: JSON"
complete -c systemtap-service -l tree -d "status: a tree"
complete -c systemtap-service -l color -x -a "auto always never" -d "colour"
