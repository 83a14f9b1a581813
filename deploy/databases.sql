-- Runs once, when PostgreSQL makes its data folder: a database and its owner each for Prefect and
-- MLflow. Neither can see the other's, and neither is a superuser.
\getenv prefect PREFECT_DATABASE
\getenv prefect_password PREFECT_DATABASE_PASSWORD
\getenv mlflow MLFLOW_DATABASE
\getenv mlflow_password MLFLOW_DATABASE_PASSWORD

CREATE ROLE :"prefect" LOGIN PASSWORD :'prefect_password';
CREATE DATABASE :"prefect" OWNER :"prefect";
REVOKE ALL ON DATABASE :"prefect" FROM PUBLIC;

CREATE ROLE :"mlflow" LOGIN PASSWORD :'mlflow_password';
CREATE DATABASE :"mlflow" OWNER :"mlflow";
REVOKE ALL ON DATABASE :"mlflow" FROM PUBLIC;
