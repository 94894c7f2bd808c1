"""What Istio will do, as pure functions of parsed objects; decides nothing about right and wrong."""
