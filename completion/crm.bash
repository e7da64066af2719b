# Completion of crm in bash. Installed as /usr/share/bash-completion/completions/crm.
# crm completes its own command lines; this only hands the line over.

_crm() {
    local line cur prefix word
    line=${COMP_LINE:0:COMP_POINT}
    cur=${line##*[[:space:]]}
    # Where bash breaks words at ':' and '=', it replaces only what stands behind the last of them.
    prefix=
    if [[ $cur == *=* && $COMP_WORDBREAKS == *=* ]] || [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        prefix=${cur%"${cur##*[=:]}"}
    fi
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("${word#"$prefix"}")
    done < <("${COMP_WORDS[0]}" --compgen "$COMP_POINT" "$COMP_LINE" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:/.,] ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}

complete -F _crm crm
