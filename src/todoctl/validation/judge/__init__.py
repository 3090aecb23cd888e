"""The judgement: a history held against the model and the contract."""
