# Completion of crm in fish: `crm completion fish` prints it for ~/.config/fish/completions/crm.fish.
# crm completes its own command lines; this only hands the line over. Descriptions stand behind a tab.

function __crm_complete
    set -l line (commandline -cp)
    crm --compgen (string length -- $line) $line described 2>/dev/null
end

complete -c crm -f -a '(__crm_complete)'
