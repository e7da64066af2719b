"""What `crm_mon` shows: its sections, as text, as a web page, as a document, once or again and again."""
