# Completion of serel-boot for bash.
complete -W "enable disable status --root --force" serel-boot
