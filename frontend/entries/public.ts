import "../styles/public.css";
import { start } from "../start";

start();
