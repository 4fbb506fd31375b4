"""Views: what a person or a program reads of a plan, a report or a diagnostic."""
