# Completion of crm in fish. Installed as /usr/share/fish/vendor_completions.d/crm.fish.
# crm completes its own command lines; this only hands the line over.

function __crm_complete
    set -l line (commandline -cp)
    crm --compgen (string length -- $line) $line 2>/dev/null
end

complete -c crm -f -a '(__crm_complete)'
