# Completion of serel-boot for fish.

complete -c serel-boot -f
complete -c serel-boot -l root -r -a "(__fish_complete_directories)" -d "do it for another system"
complete -c serel-boot -n "not __fish_seen_subcommand_from enable disable status" -a "enable disable status"
complete -c serel-boot -n "__fish_seen_subcommand_from enable" -l force -d "whatever is to be mended"
