"""Session descriptions: their lines, meaning, explanation, faults and differences; usable without a widget."""
