"""Model cards: text, licence and scores."""
