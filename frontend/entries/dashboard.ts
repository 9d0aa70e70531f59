import "../styles/dashboard.css";
import { start } from "../start";

start();
