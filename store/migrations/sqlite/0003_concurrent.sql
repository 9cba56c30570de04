-- Of a concurrent product: how long its licences were all out, and how many would do. NULL means not known, as in every
-- plan stored before.
ALTER TABLE positions ADD COLUMN days_at_limit INTEGER; -- days of the window on which all licences that stood were out
ALTER TABLE positions ADD COLUMN needed INTEGER;        -- peak and buffer
ALTER TABLE positions ADD COLUMN reducible INTEGER;     -- licences that the contract lets be dropped at its next notice date
