# Completion of systemtap-service for bash: commands, options, and the names of scripts as the configuration has them.

_systemtap_service() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} at config=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "start stop restart reload force-reload condrestart try-restart status \
            compile cleanup onboot" -- "$word")
        return
    fi
    case $previous in
        -c | -o)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        -r)
            mapfile -t COMPREPLY < <(cd /lib/modules 2> /dev/null && compgen -d -- "$word")
            return
            ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "-c -r -R -y -o -b --no-wait --json --tree --color --version --help" -- "$word")
        return
    fi
    for ((at = 2; at < COMP_CWORD - 1; at++)); do
        [[ ${COMP_WORDS[at]} == -c ]] && config=(-c "${COMP_WORDS[at + 1]}")
    done
    mapfile -t COMPREPLY < <(compgen -W "$(
        systemtap-service status --json "${config[@]}" 2> /dev/null |
            sed -n 's/^ *"name": "\([A-Za-z0-9_]*\)".*/\1/p'
    )" -- "$word")
}
complete -F _systemtap_service systemtap-service
