/** What one thing costs over what another does; not a number where either is missing. */
export const over = (own = NaN, beside = NaN): number => own / beside;
